/** Who listened to which seconds, and who changed, exported or erased what: as it stands in the chain. */
import { make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { list, number, record, text } from "../review-model.js";
import { dateWords, spanWords } from "../review-words.js";
import { ReviewView, table } from "./review-view.js";

export class ReviewAudit extends ReviewView {
  /** @type {Record<string, unknown>[]} */
  #entries = [];
  #head = "";

  /** @override */
  async load() {
    const body = record(await this.rest.ask("GET", "/audit?limit=200"));
    this.#entries = list(body["entries"]).map(record);
    this.#head = text(body["head"]) || text(record(body["head"])["hash"]);
  }

  /** @override */
  draw() {
    const rows = this.#entries.map((entry) => {
      const recording = text(entry["recording"]);
      const link = make("a", "", recording);
      link.href = `/review?r=${encodeURIComponent(recording)}`;
      return [new Intl.NumberFormat(getLocale()).format(number(entry["number"])), dateWords(number(entry["at"])), text(entry["name"]) || text(entry["actor"]), text(entry["action"]), recording ? link : "", detailWords(entry["detail"]), text(entry["hash"]).slice(0, 10)];
    });
    this.body.replaceChildren(make("p", "rv-more", t("review.audit_about", { head: this.#head.slice(0, 16) })), table(["#", t("review.when"), t("review.person"), t("review.audit_action"), t("review.place_list"), t("review.audit_detail"), t("review.audit_hash")], rows));
  }
}

/** @param {unknown} detail */
function detailWords(detail) {
  if (typeof detail === "string") return detail;
  return Object.entries(record(detail))
    .map(([name, value]) => {
      if (name === "spans") return list(value).map((pair) => spanWords(number(list(pair)[0]), number(list(pair)[1]))).join(", ");
      return typeof value === "object" ? `${name}: ${JSON.stringify(value)}` : `${name}: ${value}`;
    })
    .join(" · ");
}

customElements.define("lm-review-audit", ReviewAudit);
