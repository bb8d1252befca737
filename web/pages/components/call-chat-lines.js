/** One message in the chat of a call: words, an article, a picture or a document. What people write is text and nothing else. */
import { button, dots, icon, make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { formatBytes } from "./call-chat-files.js";

/**
 * @typedef {import("../../sdk/types.js").CallFile} CallFile
 * @typedef {import("../../sdk/types.js").CallMessage} CallMessage
 * @typedef {(file: CallFile) => Promise<Blob>} Fetch
 * @typedef {{ text: string, final: boolean }} Failed final: trying again would not help
 * @typedef {{ fetch: Fetch, open: (url: string, name: string) => void, trouble: (error: unknown) => void, urls: Set<string> }} Desk
 *   urls: object URLs that were made, to be given back
 */

/** A thumbnail is at most this large, px. */
const THUMB = 240;

/**
 * What the shopper asked with, as the first message: nobody repeats it, and the agent answers where it stands.
 * @param {import("../../sdk/types.js").CallInfo} call
 * @returns {CallMessage[]}
 */
export function askedIn({ id, text, created, shopper }) {
  if (!text) return [];
  const by = /** @type {const} */ ({ identity: shopper.identity, name: shopper.name, side: "shopper" });
  return [{ id: `${id}-asked`, by, at: created, text, article: null, file: null }];
}

/**
 * @param {CallMessage} message
 * @param {{ own: boolean, follows: boolean }} how follows: the one before is of the same person, just now
 * @param {Desk} desk
 */
export function lineOf(message, { own, follows }, desk) {
  const { by, at, text, article, file } = message;
  const clock = new Intl.DateTimeFormat(getLocale(), { hour: "2-digit", minute: "2-digit" });
  const item = make("li", `cc-line ${own ? "own" : ""} ${follows ? "follows" : ""}`);
  item.dataset["message"] = message.id;
  const time = make("time", "cc-time number", clock.format(at));
  time.dateTime = new Date(at).toISOString();
  time.title = new Intl.DateTimeFormat(getLocale(), { dateStyle: "medium", timeStyle: "medium" }).format(at);
  if (!follows) {
    const side = by.side === "shopper" ? "" : by.side === "agent" ? t("callchat.agent") : t("callchat.supervisor");
    const name = make("span", "cc-name truncate", own ? t("callchat.me") : by.name || t("callchat.nameless"));
    item.append(make("p", "cc-who", name, own || !side ? "" : make("span", "cc-side", side), time));
  }
  if (text) item.append(make("p", "cc-bubble", text));
  if (article) item.append(articleOf(article));
  if (file) item.append(file.width && file.height ? pictureOf(file, desk) : documentOf(file, desk));
  return item;
}

/** @param {{ title: string, url: string }} article */
function articleOf({ title, url }) {
  const words = make("span", "cc-card-words", make("strong", "", title));
  if (!/^https?:\/\//i.test(url)) return make("p", "cc-card", icon("book"), words);
  words.append(make("span", "cc-card-note truncate", hostOf(url)));
  const link = make("a", "cc-card", icon("book"), words, icon("link"));
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

/** @param {CallFile} file @param {Desk} desk */
function pictureOf(file, desk) {
  const { width = 1, height = 1, name } = file;
  const scale = Math.min(1, THUMB / width, THUMB / height);
  const picture = make("img", "");
  picture.alt = name;
  picture.width = Math.max(48, Math.round(width * scale));
  picture.height = Math.max(48, Math.round(height * scale));
  const open = make("button", "cc-picture waiting", picture);
  open.type = "button";
  open.setAttribute("aria-label", t("callchat.open_picture", { name }));
  let url = "";
  const load = async () => {
    open.classList.remove("failed");
    open.classList.add("waiting");
    try {
      url = URL.createObjectURL(await desk.fetch(file));
      desk.urls.add(url);
      picture.src = url;
      open.classList.remove("waiting");
    } catch {
      open.classList.replace("waiting", "failed");
      open.title = t("callchat.load_again");
    }
  };
  open.addEventListener("click", () => (url ? desk.open(url, name) : void load()));
  void load();
  return open;
}

/** @param {CallFile} file @param {Desk} desk */
function documentOf(file, desk) {
  const { name, bytes } = file;
  const kind = file.type === "application/pdf" ? "PDF" : "";
  const note = [kind, formatBytes(bytes, getLocale())].filter(Boolean).join(" · ");
  const card = make("button", "cc-card", icon("document"), make("span", "cc-card-words", make("strong", "truncate", name), make("span", "cc-card-note number", note)), icon("down"));
  card.type = "button";
  card.setAttribute("aria-label", t("callchat.save_file", { name }));
  card.addEventListener("click", async () => {
    card.disabled = true;
    try {
      const url = URL.createObjectURL(await desk.fetch(file));
      const link = make("a", "");
      Object.assign(link, { href: url, download: name });
      link.click();
      // The browser reads it after the click.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      desk.trouble(error);
    } finally {
      card.disabled = false;
    }
  });
  return card;
}

/**
 * A file on its way.
 * @param {{ name: string, picture: string | null, failed: Failed | null }} sending picture: an object URL
 * @param {{ again: () => void, drop: () => void }} acts
 */
export function sendingLine({ name, picture, failed }, { again, drop }) {
  const item = make("li", `cc-line own sending ${failed ? "failed" : ""}`);
  const card = make("span", "cc-card", icon("document"), make("span", "cc-card-words", make("strong", "truncate", name)));
  if (picture) {
    const image = make("img", "cc-sent");
    Object.assign(image, { src: picture, alt: name });
    // Only its name says that it is a picture.
    image.addEventListener("error", () => image.replaceWith(card), { once: true });
    item.append(image);
  } else {
    item.append(card);
  }
  if (failed) {
    const acts = [...(failed.final ? [] : [button(t("callchat.again"), "small", again)]), button(t("callchat.drop"), "small quiet", drop)];
    item.append(make("p", "cc-failed", failed.text), make("div", "cc-acts", ...acts));
  } else {
    item.append(make("p", "cc-wait", dots(), make("span", "", t("callchat.sending"))));
  }
  return item;
}

/** @param {string} url */
function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}
