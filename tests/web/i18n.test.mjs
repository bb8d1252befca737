/** The words: both languages complete, every key used exists, every key that exists is used. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { WAYS_OUT } from "../../web/pages/errors.js";
import { LOCALES, chooseLocale } from "../../web/pages/locale.js";
import { localCodes } from "../../web/sdk/errors.js";

const ROOT = new URL("../../", import.meta.url);
const read = (/** @type {string} */ path) => readFileSync(new URL(path, ROOT), "utf8");
const words = Object.fromEntries(LOCALES.map((locale) => [locale, JSON.parse(read(`web/i18n/${locale}.json`))]));
const zh = words["zh-CN"];
const en = words["en"];

const files = readdirSync(new URL("web/pages/", ROOT), { recursive: true }).map(String);
const widget = readdirSync(new URL("web/widget/", ROOT)).map((name) => `../widget/${name}`);
const scripts = [...files, ...widget].filter((name) => name.endsWith(".js")).map((name) => [name, read(`web/pages/${name}`)]);
const pages = files.filter((name) => name.endsWith(".html")).map((name) => [name, read(`web/pages/${name}`)]);

/** Every key that pages or scripts name, with where. A key made at run time is listed by what it is made from. */
function usedKeys() {
  /** @type {Map<string, string>} */
  const used = new Map();
  for (const [name, source] of scripts) {
    for (const [, key] of source.matchAll(/\bt\(\s*"([^"]+)"/g)) used.set(key, name);
    // Shortcuts name their words as a property.
    for (const [, key] of source.matchAll(/label: "(keys\.[^"]+)"/g)) used.set(key, name);
    for (const [, key] of source.matchAll(/[?:] "((?:\w+\.)+\w+)"\)/g)) if (key in zh) used.set(key, name);
    for (const [, key] of source.matchAll(/\btn\(\s*"([^"]+)"/g)) {
      used.set(`${key}.one`, name);
      used.set(`${key}.other`, name);
    }
  }
  for (const [name, source] of pages) {
    for (const [, key] of source.matchAll(/data-t(?:-label|-placeholder)?="([^"]+)"/g)) used.set(key, name);
  }
  for (const code of Object.keys(WAYS_OUT)) used.set(`error.${code}`, "errors.js");
  return used;
}

test("both languages have the same keys", () => {
  assert.deepEqual(Object.keys(en), Object.keys(zh));
});

test("every key that is used exists", () => {
  const missing = [...usedKeys()].filter(([key]) => !(key in zh));
  assert.deepEqual(missing, []);
});

test("every key that exists is used", () => {
  const used = usedKeys();
  assert.deepEqual(
    Object.keys(zh).filter((key) => !used.has(key)),
    [],
  );
});

test("only errors have keys made at run time", () => {
  for (const [name, source] of scripts) {
    const made = [...source.matchAll(/\bt\(\s*`([^`]*)`/g)].map(([, key]) => key);
    assert.deepEqual(made, name === "errors.js" ? ["error.${code}"] : [], name);
  }
});

test("both languages fill in the same values", () => {
  const holes = (/** @type {string} */ text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  for (const key of Object.keys(zh)) assert.deepEqual(holes(en[key]), holes(zh[key]), key);
});

test("each sentence is in its own language", () => {
  const template = /^[\s{}\w：:。.,，]*$/;
  for (const [key, text] of Object.entries(zh)) {
    if (!template.test(text.replace(/\{\w+\}/g, ""))) assert.match(text, /\p{Script=Han}/u, key);
    assert.doesNotMatch(text, /\p{Script=Han}[,;:!?]/u, `${key}: Latin punctuation in Chinese`);
  }
  for (const [key, text] of Object.entries(en)) assert.doesNotMatch(text, /\p{Script=Han}/u, key);
});

test("every error code of the protocol and of the library has words", () => {
  const section = read("PROTOCOL.md").split(/^## /m).find((part) => /^\d+\. Error codes/.test(part)) ?? "";
  const rows = [...section.matchAll(/^\| (`.+?) \|/gm)].map(([, cell]) => cell);
  const protocol = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code));
  assert.ok(protocol.length > 30, "the table was found");
  const missing = [...protocol, ...localCodes()].filter((code) => !(code in WAYS_OUT));
  assert.deepEqual(missing, []);
});

for (const [stored, languages, expected] of [
  [null, ["zh-TW", "en"], "zh-CN"],
  [null, ["zh"], "zh-CN"],
  [null, ["en-GB", "zh-CN"], "en"],
  [null, ["fr-FR", "zh-CN", "en"], "zh-CN"],
  [null, ["fr-FR"], "en"],
  [null, [], "en"],
  ["zh-CN", ["en-US"], "zh-CN"],
  ["en", ["zh-CN"], "en"],
  ["tlh", ["zh-CN"], "zh-CN"],
]) {
  test(`stored ${stored} and browser ${languages} give ${expected}`, () => {
    assert.equal(chooseLocale(stored, languages), expected);
  });
}
