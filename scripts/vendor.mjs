/**
 * Copies the browser libraries from node_modules into web/vendor, as modules with their licences.
 *
 * File names contain the version, because browsers may cache a file for a long time. They end in `.mjs`, because ComfyUI
 * loads every `.js` at startup. Run it with `npm run vendor`; with `--check` it only compares, and fails on a difference.
 */

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, "web", "vendor");

/** Libraries, their scripts, and the text to append to make each script a module. */
const LIBRARIES = [
  { name: "uplot", script: "dist/uPlot.iife.min.js", tail: "\nexport default uPlot;\n" },
  { name: "img-comparison-slider", script: "dist/index.js", tail: "" },
];

/** The MIT License's terms, for a package that names the licence but doesn't include its text. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

/**
 * @param {string} folder
 * @param {{name: string, license: string, author?: string | {name: string}}} about
 */
async function licence(folder, { name, license, author }) {
  const text = await readFile(join(folder, "LICENSE"), "utf8").catch(() => "");
  if (text) return text;
  if (license !== "MIT") throw new Error(`${name}: expected a LICENSE file or the MIT licence, got ${license}`);
  const holder = typeof author === "object" ? author.name : (author ?? `the authors of ${name}`);
  return `The MIT License\n\nCopyright (c) ${holder.replace(/\s*<.*$/, "")}\n\n${MIT}`;
}

/** @returns {Promise<Map<string, string>>} text by file name */
async function wanted() {
  const files = new Map();
  for (const { name, script, tail } of LIBRARIES) {
    const folder = join(root, "node_modules", name);
    const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const { version, license } = about;
    const banner = `// @ts-nocheck ${name} ${version}, ${license}\n`;
    const text = (await readFile(join(folder, script), "utf8")).replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "");
    files.set(`${name}-${version}.mjs`, `${banner}${text}${tail}`);
    files.set(`${name}.LICENSE`, await licence(folder, about));
  }
  return files;
}

async function differences() {
  const files = await wanted();
  const problems = (await readdir(target))
    .filter((name) => !files.has(name))
    .map((name) => `${name} shouldn't be there`);
  for (const [name, text] of files) {
    const now = await readFile(join(target, name), "utf8").catch(() => "");
    if (now !== text) problems.push(`${name} differs`);
  }
  return problems;
}

if (process.argv.includes("--check")) {
  const problems = await differences();
  if (problems.length) throw new Error(`web/vendor: expected the output of npm run vendor, but ${problems.join(", ")}`);
} else {
  const files = await wanted();
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const [name, text] of files) await writeFile(join(target, name), text);
}
