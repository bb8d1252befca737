/** Clips that were cut from recordings; leads approve those that agents may send. */
import { button, make } from "../dom.js";
import { t } from "../locale.js";
import { list, number, record, text } from "../review-model.js";
import { spanWords } from "../review-words.js";
import { ReviewView } from "./review-view.js";

export class ReviewClips extends ReviewView {
  /** @type {Record<string, unknown>[]} */
  #clips = [];

  /** @override */
  async load() {
    this.#clips = list(record(await this.rest.ask("GET", "/clips"))["clips"]).map(record);
  }

  /** @override */
  draw() {
    const cards = this.#clips.map((clip) => {
      const approved = clip["approved"] === true;
      const [from, to] = [number(clip["from"]), number(clip["to"])];
      const link = make("a", "rv-at number", spanWords(from, to));
      link.href = `/review?r=${encodeURIComponent(text(clip["recording"]))}#t=${from}`;
      const head = make("header", "", make("b", "", text(clip["title"])), make("span", `rv-flag ${approved ? "" : "plain"}`, approved ? t("review.clip_approved") : t("review.clip_waiting")));
      const card = make("article", "rv-done", head, make("p", "rv-more", link, " ", [text(clip["topic"]), text(clip["by_name"])].filter(Boolean).join(" · ")));
      if (this.opened?.who.leads) {
        const change = button(approved ? t("review.clip_disapprove") : t("review.clip_approve"), `small ${approved ? "" : "primary"}`, () => void this.attempt(() => this.rest.ask("PATCH", `/clips/${encodeURIComponent(text(clip["id"]))}`, { body: { approved: !approved } })));
        card.append(make("div", "rv-done-acts", change));
      }
      return card;
    });
    this.body.replaceChildren(cards.length > 0 ? make("div", "rv-grid", ...cards) : make("p", "rv-none", t("review.no_clips")));
  }
}

customElements.define("lm-review-clips", ReviewClips);
