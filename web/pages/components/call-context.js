/**
 * What is known about a call: who asks, from where, about which product and order, with which device; the shop's cards;
 * former calls of the same person. Used in the ring (short) and beside the call (all of it).
 *
 *   context.show(call);          // null: nothing
 *   context.short = true;        // only what decides whether to answer
 */
import { entryWord, outcomeWord } from "../agent-help-words.js";
import { icon, make } from "../dom.js";
import { getLocale, onLocale, t, tn } from "../locale.js";

/**
 * @typedef {import("../agent-help-types.js").Call} Call
 * @typedef {import("../agent-help-types.js").Card} Card
 */

const ICONS = { order: "order", product: "tag", article: "book", note: "note", link: "link" };

export class CallContextCard extends HTMLElement {
  /** @type {Call | null} */
  #call = null;
  #shown = "";
  #noted = { id: "", note: "" };
  short = false;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {Call | null} call */
  show(call) {
    this.#call = call;
    this.#render();
  }

  #render() {
    const call = this.#call;
    if (!this.isConnected || !call) return;
    const { context = {}, cards = [], earlier = [] } = call;
    const typed = typedIn(call);
    // As the call came to us: what we write ourselves since then we know.
    if (this.#noted.id !== call.id) this.#noted = { id: call.id, note: call.notes?.note ?? "" };
    const notes = this.#noted.note;
    const shown = JSON.stringify([getLocale(), context, cards, earlier, typed, notes, call.shopper.name, this.short]);
    // Links keep their focus and selections stay while nothing changes.
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.replaceChildren(
      ...[this.#typed(typed), this.#handed(notes), this.#person(context), this.#facts(context), ...(this.short ? [] : [cardsOf(cards), earlierOf(earlier)])].filter(
        (element) => element !== null,
      ),
    );
  }

  /** @param {string} text */
  #typed(text) {
    if (!text) return null;
    return make("blockquote", "context-typed", text);
  }

  /** What whoever had the call before us wrote. @param {string} note */
  #handed(note) {
    if (!note) return null;
    return make("p", "call-ring-from", make("b", "", t("context.handed")), " ", note);
  }

  /** @param {import("../agent-help-types.js").CallContext} context */
  #facts({ entry, page_title: title, page_url: url, product, order, device, locale }) {
    const list = make("dl", "context-facts");
    fact(list, t("context.entry"), entryWord(entry));
    if (product?.title) {
      const words = make("span", "", product.title);
      if (product.price) words.append(" ", make("b", "number", product.price));
      fact(list, t("context.product"), linked(words, product.url));
    }
    if (order?.id || order?.title) fact(list, t("context.order"), [order.title, order.id].filter(Boolean).join(" · "));
    if (title || url) fact(list, t("context.page"), linked(title || url || "", url));
    if (!this.short && device) fact(list, t("context.device"), device);
    if (!this.short && locale) fact(list, t("context.language"), languageName(locale));
    return list;
  }

  /** @param {import("../agent-help-types.js").CallContext} context */
  #person({ verified, person }) {
    if (this.short) return null;
    const badge = make("span", `context-badge ${verified ? "verified" : ""}`, icon(verified ? "verified" : "warning"));
    badge.append(make("span", "", verified ? t("context.verified") : t("context.unverified")));
    badge.title = verified ? t("context.verified_hint") : t("context.unverified_hint");
    const tags = (person?.tags ?? []).map((tag) => make("span", "context-tag", tag));
    const who = person?.id ? make("span", "hint truncate", t("context.member", { id: person.id })) : "";
    return make("div", "context-person", badge, who, ...tags);
  }
}

/**
 * What the shopper wrote when asking, or first.
 * @param {Call} call
 */
function typedIn(call) {
  const { text = "", topic, messages } = /** @type {Call & { text?: string }} */ (call);
  return text || topic || (messages.find(({ by, text: said }) => by.side === "shopper" && said)?.text ?? "");
}

/** @param {readonly Card[]} cards */
function cardsOf(cards) {
  const section = make("section", "context-section", make("h3", "context-title", t("context.cards")));
  if (cards.length === 0) section.append(make("p", "hint", t("context.no_cards")));
  for (const card of cards) {
    const known = ICONS[card.kind] ?? "note";
    const words = make("div", "context-card-words", linked(make("strong", "", card.title), card.url));
    for (const line of card.lines ?? []) words.append(make("p", "", line));
    section.append(make("article", "context-card", pictured(card, icon(known)), words));
  }
  return section;
}

/**
 * The card's picture in place of its icon, once it is there: the shop's server may be slow, gone, or not allowed here.
 * @param {Card} card
 * @param {SVGSVGElement} glyph
 */
function pictured({ image = "" }, glyph) {
  if (!/^https?:\/\//i.test(image)) return glyph;
  const picture = make("img", "context-card-picture");
  picture.alt = "";
  picture.referrerPolicy = "no-referrer";
  picture.addEventListener("load", () => glyph.replaceWith(picture), { once: true });
  picture.src = image;
  return glyph;
}

/** @param {readonly import("../agent-help-types.js").Earlier[]} earlier */
function earlierOf(earlier) {
  const section = make("section", "context-section", make("h3", "context-title", t("context.earlier")));
  if (earlier.length === 0) section.append(make("p", "hint", t("context.no_earlier")));
  const clock = new Intl.DateTimeFormat(getLocale(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  for (const { at, agent, queue, outcome, score, note } of earlier) {
    const head = make("p", "context-earlier-head", make("time", "number", clock.format(at)), make("span", "truncate", [agent, queue].filter(Boolean).join(" · ")));
    const stars = make("span", "context-stars number", score === null ? "" : `★ ${score}`);
    if (score !== null) stars.title = tn("context.score", score);
    head.append(stars);
    section.append(make("article", "context-earlier", head, make("p", note ? "" : "hint", note || outcomeWord(outcome))));
  }
  return section;
}

/**
 * @param {HTMLElement} list
 * @param {string} term
 * @param {Node | string} value
 */
function fact(list, term, value) {
  list.append(make("dt", "", term), make("dd", "", value));
}

/**
 * Only ordinary addresses become links: what a page sends is not to be trusted.
 * @param {Node | string} content
 * @param {string | undefined} url
 */
function linked(content, url) {
  if (!url || !/^https?:\/\//i.test(url)) return content;
  const link = make("a", "", content);
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

/** @param {string} locale */
function languageName(locale) {
  try {
    return new Intl.DisplayNames(getLocale(), { type: "language" }).of(locale) ?? locale;
  } catch {
    return locale;
  }
}

customElements.define("lm-call-context", CallContextCard);
