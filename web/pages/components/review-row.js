/** One recording in a list, whole as a link: who, when, how it went, what was noticed. */
import { icon, make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { dateWords, findingWord, scoreWords, stateWord, timeWords } from "../review-words.js";
import { avatar } from "./avatar.js";

const SHOWN_FLAGS = 3;

/** @param {import("../review-model.js").Row} row */
export function reviewRow(row) {
  const link = make("a", "rv-row");
  link.href = `/review?r=${encodeURIComponent(row.id)}`;
  const others = row.people.filter(({ identity }) => identity !== row.agent).map(({ name, identity }) => name || identity);
  const who = make("span", "rv-row-who", make("b", "truncate", row.agent_name || others[0] || row.room), make("span", "truncate", row.agent_name ? others.join(" · ") : others.slice(1).join(" · ")));
  link.append(thumb(row), who);
  const where = [row.kind === "stage" ? t("review.kind_stage") : row.queue, row.product, row.reasons.join(" · ")].filter(Boolean).join(" · ");
  link.append(make("span", "rv-row-when", make("span", "number", dateWords(row.created)), make("span", "truncate", where)));
  link.append(make("span", "rv-row-length number", timeWords(row.duration_s)));
  link.append(rating(row), flags(row), score(row));
  return link;
}

/** @param {import("../review-model.js").Row} row */
function thumb({ thumb: src, agent_name: name, kind }) {
  const face = make("span", "rv-thumb");
  if (src) {
    const picture = make("img");
    picture.src = src;
    picture.alt = "";
    picture.loading = "lazy";
    face.append(picture);
  } else face.append(name ? avatar(name) : icon(kind === "stage" ? "live" : "headset"));
  return face;
}

/** @param {import("../review-model.js").Row} row */
function rating({ rating: given }) {
  const cell = make("span", "rv-row-rating");
  if (!given) return cell;
  const stars = Math.round(given.score);
  cell.append(make("span", `rv-stars${stars <= 2 ? " low" : ""}`, "★".repeat(stars), make("span", "rv-stars-off", "★".repeat(Math.max(0, 5 - stars)))));
  cell.title = given.comment;
  cell.setAttribute("aria-label", t("review.rated", { score: new Intl.NumberFormat(getLocale()).format(given.score) }));
  cell.setAttribute("role", "img");
  return cell;
}

/** @param {import("../review-model.js").Row} row */
function flags({ flags: list, tags, hold, state, progress }) {
  const cell = make("span", "rv-row-flags");
  if (state !== "ready") {
    const share = new Intl.NumberFormat(getLocale(), { style: "percent" }).format(progress.done);
    cell.append(make("span", `rv-flag ${state === "failed" ? "bad" : "plain"}`, state === "finishing" ? `${stateWord(state)} ${share}` : stateWord(state)));
  }
  if (hold) cell.append(make("span", "rv-flag plain", icon("lock"), t("review.held")));
  cell.append(...list.slice(0, SHOWN_FLAGS).map(({ kind, count }) => make("span", "rv-flag", `${findingWord(kind)}${count > 1 ? ` ×${count}` : ""}`)));
  if (list.length > SHOWN_FLAGS) {
    const more = make("span", "rv-flag plain", `+${list.length - SHOWN_FLAGS}`);
    more.title = list.slice(SHOWN_FLAGS).map(({ kind }) => findingWord(kind)).join(" · ");
    cell.append(more);
  }
  cell.append(...tags.map((tag) => make("span", "rv-flag tag", tag)));
  return cell;
}

/** @param {import("../review-model.js").Row} row */
function score({ score: value }) {
  const cell = make("span", "rv-row-score number", value === null ? "" : scoreWords(value));
  if (value !== null) cell.setAttribute("aria-label", t("review.scored", { score: scoreWords(value) }));
  if (value !== null && value < 60) cell.classList.add("low");
  return cell;
}
