/**
 * Every module a page runs is named in its HTML: without that a browser finds them level by level, one round trip each.
 * What begins the way to the picture comes first; the rest gives way to it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const IMPORT = /^(?:import|export)\s(?:[^;"]*?\sfrom\s)?"([^"]+)";/gm;

/**
 * @param {string} path of a module, from the root of the site
 * @param {Set<string>} [found]
 * @returns {Set<string>} it and everything it imports, in the order of evaluation's walk
 */
function graph(path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  const source = readFileSync(new URL(`.${path}`, ROOT), "utf8");
  assert.doesNotMatch(source.replace(/\/\*[^]*?\*\//g, ""), /\bimport\(/, `${path}: an import that this test cannot see`);
  for (const [, name] of source.matchAll(IMPORT)) graph(new URL(name, `http://site${path}`).pathname, found);
  return found;
}

/** @param {Record<string, string>[]} tags */
const paths = (tags) => tags.map(({ href, src }) => href ?? src);

for (const page of ["live", "landing", "host", "agent", "help", "wall", "kpi", "review"]) {
  const html = readFileSync(new URL(`web/pages/${page}.html`, ROOT), "utf8");
  const tags = [...html.matchAll(/<(script|link)\b([^>]*)>/g)].map(([, tag, text]) => {
    const attributes = [...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name, value ?? ""]);
    return { tag, .../** @type {Record<string, string>} */ (Object.fromEntries(attributes)) };
  });
  const scripts = tags.filter(({ tag, type }) => tag === "script" && type === "module");
  const preloads = tags.filter(({ rel }) => rel === "modulepreload");
  const [first = []] = scripts.filter((script) => "async" in script).map(({ src }) => [...graph(src)]);
  const entries = new Set(paths(scripts));

  test(`${page}.html names every module it runs, once`, () => {
    const needed = paths(scripts).flatMap((entry) => [...graph(entry)]);
    const expected = [...new Set(needed)].filter((path) => !entries.has(path));
    assert.deepEqual(paths(preloads).sort(), expected.sort());
  });

  test(`${page}.html lets nothing before the modules that begin`, () => {
    const urgent = preloads.filter((link) => link.fetchpriority !== "low");
    assert.deepEqual(paths(urgent).sort(), first.filter((path) => !entries.has(path)).sort());
    assert.deepEqual(preloads.slice(0, urgent.length), urgent);
  });
}

test("the pages with a picture begin before they are whole", () => {
  for (const page of ["live", "landing"]) {
    const html = readFileSync(new URL(`web/pages/${page}.html`, ROOT), "utf8");
    assert.match(html, new RegExp(`<script type="module" async src="/web/pages/${page}-start.js">`));
    assert.ok([...graph(`/web/pages/${page}-start.js`)].every((path) => !path.includes("/components/")));
  }
});
