/** Types that our modules share. The browser never loads this file. */

// The parts of the canvas's graph that we read. Tests make their own.
type Widget = {
  name: string;
  value: unknown;
  options?: Record<string, any>;
  disabled?: boolean;
  callback?: (value: any, ...more: any[]) => void;
};
type Input = { name: string; type?: unknown; link?: number | null; widget?: { name: string } };
type Output = { name?: string; type?: unknown; links?: number[] | null };
type Link = { origin_id: number | string; origin_slot: number; target_id: number | string; target_slot: number };
type GraphNode = {
  id: number | string;
  type?: string;
  comfyClass?: string;
  title?: string;
  mode?: number;
  inputs?: Input[];
  outputs?: Output[];
  widgets?: Widget[];
  isVirtualNode?: boolean;
  subgraph?: Graph;
  getInputLink?: (slot: number) => Link | null | undefined;
};
type Graph = {
  nodes?: GraphNode[];
  _nodes?: GraphNode[];
  getNodeById: (id: any) => GraphNode | null | undefined;
  links: any;
};
/** A graph and, for a subgraph, the node that holds it and the graph around that. */
type Frame = { graph: Graph; outer: Frame | null; holder: GraphNode | null };
type Place = { frame: Frame; node: GraphNode };
type Source = Place & { slot: number };
type ApiNode = { class_type: string; inputs: Record<string, unknown>; _meta?: { title: string } };
/** ComfyUI's own node type, as published. */
type CanvasNode = Parameters<NonNullable<import("@comfyorg/comfyui-frontend-types").ComfyExtension["nodeCreated"]>>[0];

/** A value to write into a widget. */
type Change = { node: GraphNode; widget: Widget; value: unknown };
/** What to write, and what to leave unchanged and why. */
type Proposal = { changes: Change[]; left: string[] };

// What the server's routes return: see nodes/model/answers.py and nodes/route.py.
type Plan = {
  steps: number;
  cfg: number;
  sampler_name: string;
  scheduler: string;
  guidance: number | null;
  split_step?: number;
};
type QualityPlan = Plan & {
  sources: Record<string, string>;
  warnings: Spoken[];
  resolution?: [number, number] | null;
  clip_skip?: number | null;
};
/** Step counts from `first` to `last`, and what to expect from them. */
type Zone = { first: number; last: number; name: string; text: Spoken };
type Answer = {
  name: string;
  confidence: string;
  /** The confidence that was required and not reached, or empty. */
  required: string;
  signals: Spoken[];
  contradictions: Spoken[];
  alternatives: string[];
  note: string;
  files: string[];
  qualities: Record<string, QualityPlan>;
  zones: Zone[];
  /** Step counts to compare; empty if the model is not recognised. */
  counts: number[];
  /** What is wrong with the settings of a comparison; empty if nothing is. */
  wrong: Spoken;
  /** The settings that are wrong. */
  mend: string[];
};
/** A route's answer; `problem` says why there is none or why a file was not read. */
type Reply = { answer: any; problem: string };
type Count = { quality: string; steps: number; chosen: boolean; source: string };
type Badge = {
  title: string;
  confidence: string;
  sure: boolean;
  /** How sure that is, in a plain sentence. */
  sentence: string;
  /** One for each quality, or only one if all have the same count. */
  counts: Count[];
  settings: string;
  details: string[];
  warnings: string[];
};

/** A message from a running sampler: see nodes/running/live.py. */
type TraceMessage = {
  /** Execution id of the sampling node, e.g. `3:7` for node 7 in subgraph node 3. */
  node: string;
  prompt_id?: string | null;
  /** The step that just finished, counted from 1. */
  step: number;
  steps: number;
  /** Noise level at the start of the step. */
  sigma: number;
  /** Guidance scale used; 1 is off. */
  cfg: number | null;
  /** Relative change of the predicted clean image, if known. */
  change: number | null;
  seconds_left: number | null;
  /** Whether the step belongs to a run that checks the node's own; then the numbers from sigma on are missing. */
  check?: boolean;
};
type Point = { step: number; change: number | null; cfg: number | null };
type TraceSeries = { steps: number; points: Point[]; kept: number[] };

/** A sentence of the server: see words.py. */
type Message = { code: string; text: string; values: Record<string, any> };
/** What the server says: a message, several, or plain English. */
type Spoken = string | Message | Spoken[];

// What the server says of a comparison while it runs: see nodes/comparing/live_runs.py.
type Progress = {
  node: string | null;
  prompt_id: string;
  /** The step counts that run now. */
  steps: number[];
  /** The step that is done; null if several counts run together, or no sampler runs. */
  step: number | null;
  /** The node of a compared workflow that runs; empty otherwise. */
  title: string;
  seconds_left: number | null;
  /** Whether the run belongs to the check. */
  check?: boolean;
};
/** A run that has just finished; its similarity is not known yet. */
type FinishedRun = { node: string | null; prompt_id: string; contender: string; subfolder: string; run: any };

// A comparison as the viewer shows it: see nodes/comparing/viewer_files.py.
type Run = {
  steps: number;
  seconds: number;
  /** 0 to 1; null as long as the comparison runs. */
  similarity: number | null;
  modelCalls: number;
  reused: boolean;
  /** How the seconds came about, e.g. `estimated` or `unknown`. */
  timing: string;
  /** The file of the whole video or sound; empty without one. */
  clip: string;
  files: string[];
  /** Each image's own similarity to that of the reference; empty in older workflows. */
  ofImages: number[];
  /** The sampler of a check run; empty for a step count of the series. */
  checkedBy: string;
};
type Series = {
  name: string;
  /** The verdict in everyday words; empty in older workflows and as long as the comparison runs. */
  headline: Spoken;
  /** The step count to try next; null if there is none. */
  next: number | null;
  /** How it was sampled; null in older workflows. */
  settings: RunSettings | null;
  reference: number;
  sweetSpot: number | null;
  reason: Spoken;
  confidence: string;
  /** The cheapest thing to do next; empty if there is nothing to do, and in older workflows. */
  advice: Spoken;
  /** By rising step count, then the check run if there is one. */
  runs: Run[];
};
type RunSettings = { seed: number; cfg: number | null; sampler_name: string; scheduler: string; denoise: number };
type Comparison = {
  subfolder: string;
  /** The verdict over all contenders; empty as for a series. */
  headline: Spoken;
  images: number;
  /** What distinguishes the images of one step count; empty in older workflows. */
  names: string[];
  series: Series[];
  /** The similarity below which a difference is visible, 0 to 1; null in older workflows. */
  visible: number | null;
  grid: { filename: string; subfolder: string } | null;
  /** How it ran; empty in older workflows. */
  notes: Spoken[];
  /** What to show first, by index: the contender and the run that the headline names. */
  best: { series: number; run: number };
  /** Ids and inputs of the nodes that hold the step count of a compared workflow. */
  places: [string, string][];
};
type Mode = "single" | "slider" | "difference" | "grid" | "play" | "blind";
/** Indices of the series, the two runs and the image that are shown. */
type Chosen = { series: number; a: number; b: number; image: number };
/**
 * A node that a step count can be written to. `use` also writes the settings, if there are any and `takes` them, and
 * returns whether the step count was written.
 */
type StepsTarget = { name: string; takes: boolean; use: (steps: number, settings: RunSettings | null) => boolean };
/** What the viewer needs from ComfyUI. All but `address` and `targets` return whether they did it. */
type Surroundings = {
  /** A full address. */
  address: (path: string) => string;
  targets: () => StepsTarget[];
  /** Whether a step count can be added to the list. */
  canTry: () => boolean;
  /** Add a step count to the list, and run. */
  tryToo: (steps: number) => boolean;
  /** Whether a sampler can be added. */
  canAddSampler: () => boolean;
  /** Add a sampler that makes the picture of these settings. */
  addSampler: (steps: number, settings: RunSettings) => boolean;
  /** Write a threshold, in %, into Compare Options. */
  setThreshold: (percent: number) => boolean;
};

/** An offset in the stage's pixels, and a scale, where 1 fits the stage. */
type View = { x: number; y: number; scale: number };
type Size = { width: number; height: number };

/** uPlot's object. */
type Chart = any;
/** Colours of the current palette. */
type Colours = { text: () => string; grid: () => string };

/** What a calibration found, as Calibrate Steps shows it. */
type FoundSettings = { steps: number; cfg: number; sampler_name: string; scheduler: string; byPlan: boolean };
type FoundColumn = { name: string; files: string[]; similarity: number[] };
type Found = {
  subfolder: string;
  lines: Spoken[];
  /** Whether it is better than what is used now. */
  gain: boolean;
  settings: FoundSettings;
  /** Now, calibrated, finished. */
  columns: FoundColumn[];
  /** What was found, the best stock schedule and what is used now, at every step count; none without other counts. */
  rows: FoundRow[];
};
type FoundRow = { name: string; points: FoundPoint[] };
type FoundPoint = { steps: number; finished: number; images: number; mean: number; worst: number };
