/**
 * Begins the visit of the live page before the rest of the page is there. The HTML loads it by itself and first, and
 * live.js goes on with what it has begun: the way to the picture is long, and none of it needs the page's other modules.
 */
import { fetchWords, wantedLocale } from "./locale.js";
import { roomFromPath, TokenSource } from "./token.js";
import { Visit } from "./visit.js";

/** A name for the demo's chat. It goes out with the first request, before any words are here. @param {string} identity */
function demoName(identity) {
  const number = [...identity].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9000, 7) + 1000;
  return `${wantedLocale() === "en" ? "Viewer" : "观众"} ${number}`;
}

export const tokens = new TokenSource(roomFromPath(location.pathname), "viewer", { name: demoName });
export const firstVisit = new Visit(tokens);
fetchWords();
