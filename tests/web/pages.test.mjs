/** The pages as documents: nothing that the content security policy forbids, no file, icon or element missing. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), "utf8");
const files = readdirSync(new URL("web/pages/", ROOT), { recursive: true }).map(String);
const pages = files.filter((name) => name.endsWith(".html"));
const widget = readdirSync(new URL("web/widget/", ROOT)).map((name) => `../widget/${name}`);
const scripts = [...files, ...widget].filter((name) => name.endsWith(".js"));
const styles = readdirSync(new URL("web/styles/", ROOT)).map(String);
const symbols = new Set([...read("web/icons/sprite.svg").matchAll(/<symbol id="([\w-]+)"/g)].map(([, id]) => id));

for (const name of pages) {
  const html = read(`web/pages/${name}`);

  test(`${name} has no inline script or style`, () => {
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:/);
    for (const [tag] of html.matchAll(/<script[^>]*>/g)) assert.match(tag, / src="\/web\//);
    assert.doesNotMatch(html, /<script[^>]*>[^<]/);
  });

  test(`${name} names only files that exist`, () => {
    const named = [...html.matchAll(/(?:href|src)="(\/web\/[^"#]+)/g)].map(([, path]) => path);
    assert.ok(named.length > 5);
    for (const path of named) assert.ok(existsSync(new URL(`.${path}`, ROOT)), path);
  });

  test(`${name} can be marked as a demo and labels its controls`, () => {
    assert.match(html, /<head>[^]*<!--lianmai:meta-->[^]*<\/head>/);
    for (const [button] of html.matchAll(/<button[^]*?<\/button>/g)) assert.match(button, /data-t/);
    for (const [input] of html.matchAll(/<input[^>]*>/g)) {
      const id = /id="([^"]+)"/.exec(input)?.[1];
      assert.ok(/data-t-label/.test(input) || html.includes(`<label for="${id}"`), input);
    }
  });

  test(`${name} has every element its script asks for`, () => {
    const source = read(`web/pages/${name.replace(".html", ".js")}`) + (name === "host.html" ? read("web/pages/studio-rail.js") : "");
    const asked = [...source.matchAll(/byId\("([^"]+)"/g)].map(([, id]) => id);
    assert.ok(asked.length > 5);
    for (const id of asked) assert.ok(html.includes(` id="${id}"`), `#${id}`);
  });
}

test("every icon that is named exists, and none is left over", () => {
  const named = new Set(["logo"]);
  for (const name of scripts) {
    const source = read(`web/pages/${name}`);
    for (const [, list] of source.matchAll(/\b(?:icon|setIcon|ICONS)\b\s*[:(=]([^;]*?)[;,\n]/g)) {
      for (const [, id] of list.matchAll(/"([a-z-]+)"/g)) if (symbols.has(id)) named.add(id);
    }
    for (const [, id] of source.matchAll(/\bicon(?:: |\()"([a-z-]+)"/g)) {
      assert.ok(symbols.has(id), `${name}: ${id}`);
      named.add(id);
    }
    for (const [, list] of source.matchAll(/const ICONS = \{([^}]*)\}/g)) {
      for (const [, id] of list.matchAll(/"([a-z-]+)"/g)) named.add(id);
    }
  }
  for (const name of pages) {
    for (const [, id] of read(`web/pages/${name}`).matchAll(/sprite\.svg#([\w-]+)/g)) named.add(id);
  }
  assert.deepEqual([...named].filter((id) => !symbols.has(id)), []);
  assert.deepEqual([...symbols].filter((id) => !named.has(id)), []);
});

test("styles use only tokens that exist", () => {
  const defined = new Set([...read("web/styles/tokens.css").matchAll(/^\s*(--[\w-]+):/gm)].map(([, name]) => name));
  const used = new Set();
  for (const name of styles) {
    const style = read(`web/styles/${name}`);
    for (const [, token, end] of style.matchAll(/var\((--[\w-]+)\s*([,)])/g)) {
      // What is around may set those with a default; those of one part are defined with it.
      if (!defined.has(token) && (end === "," || new RegExp(`^\\s+${token}:`, "m").test(style))) continue;
      used.add(token);
      assert.ok(defined.has(token), `${name}: ${token}`);
    }
  }
  assert.deepEqual([...defined].filter((token) => !used.has(token)), []);
});
