/**
 * Begins the visit of the live page before the rest of the page is there. The HTML loads it by itself and first, and
 * live.js goes on with what it has begun: the way to the picture is long, and none of it needs the page's other modules.
 */
import { fetchWords } from "./locale.js";
import { roomFromPath, TokenSource } from "./token.js";
import { Visit } from "./visit.js";

export const tokens = new TokenSource(roomFromPath(location.pathname), "viewer");
export const firstVisit = new Visit(tokens);
fetchWords();
