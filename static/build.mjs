// Bundles the browser's half of Longwave into static/dist: hashed names, a manifest from plain name to hashed name, and a
// gzip copy beside every file, so that the server only ever copies bytes. It says what it made and fails when the script
// outgrows its budget.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const images = join(here, "img");
const dist = join(here, "dist");

// The whole script of every page together, compressed. A page on a slow line must be usable in about a second.
const scriptBudget = 150 * 1024;

const started = performance.now();
for (const name of existing(dist)) if (name !== ".keep") rmSync(join(dist, name), { recursive: true });
mkdirSync(dist, { recursive: true });

const shared = {
  bundle: true, minify: true, outdir: dist, entryNames: "[name].[hash]", metafile: true, logLevel: "warning",
  target: ["es2021", "chrome90", "firefox90", "safari15"], legalComments: "none",
};
const entry = (name) => join(source, name);
const results = await Promise.all([
  // A page loads one module; what only some pages need is imported from there and becomes a chunk of its own.
  build({ ...shared, entryPoints: [entry("app.ts")], format: "esm", splitting: true, chunkNames: "chunk.[hash]" }),
  // The theme is set before the first paint, so it is a plain script that blocks, and tiny.
  build({ ...shared, entryPoints: [entry("theme.ts")], format: "iife" }),
  build({ ...shared, entryPoints: [entry("app.css")] }),
]);

const manifest = {};
for (const { metafile } of results) {
  for (const [path, output] of Object.entries(metafile.outputs)) {
    const hashed = path.split("/").at(-1);
    if (output.entryPoint) manifest[plain(hashed)] = hashed;
  }
}
for (const name of existing(images)) {
  const body = readFileSync(join(images, name));
  const hashed = name.replace(/\.(\w+)$/, `.${createHash("sha256").update(body).digest("hex").slice(0, 8).toUpperCase()}.$1`);
  writeFileSync(join(dist, hashed), body);
  manifest[name] = hashed;
}
writeFileSync(join(dist, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");

let script = 0;
for (const name of existing(dist).sort()) {
  if (name === ".keep" || name === "manifest.json") continue;
  const body = readFileSync(join(dist, name));
  const packed = gzipSync(body, { level: 9 });
  writeFileSync(join(dist, name + ".gz"), packed);
  if (name.endsWith(".js")) script += packed.length;
  console.log(`  ${name.padEnd(28)} ${size(body.length).padStart(9)}  ${size(packed.length).padStart(9)} gzip`);
}
console.log(`static: ${size(script)} of script, budget ${size(scriptBudget)}, ${Math.round(performance.now() - started)} ms`);
if (script > scriptBudget) {
  console.error("static: the script is over its budget");
  process.exit(1);
}

function existing(directory) {
  try { return readdirSync(directory); } catch { return []; }
}

// plain is the name without its hash: app.4QWL.js → app.js
function plain(hashed) {
  return hashed.replace(/\.[^.]+(\.\w+)$/, "$1");
}

function size(bytes) {
  return `${(bytes / 1024).toFixed(1)} kB`;
}
