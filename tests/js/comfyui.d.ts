/** What ComfyUI serves beside our modules, in the types that it publishes. */

declare module "*/scripts/app.js" {
  export const app: import("@comfyorg/comfyui-frontend-types").ComfyApp;
}

declare module "*/scripts/api.js" {
  type Messages = Record<string, { detail: any }>;
  type Listener = (event: CustomEvent<any>) => void;
  /** The published types know no messages of a pack's own, as `sweetspot.trace` is. */
  export const api: Omit<
    import("@comfyorg/comfyui-frontend-types").ComfyApi,
    "addEventListener" | "removeEventListener"
  > & {
    addEventListener(name: string, listener: Listener): void;
    removeEventListener(name: string, listener: Listener): void;
  };
}

declare module "*.mjs" {
  const library: any;
  export default library;
}
