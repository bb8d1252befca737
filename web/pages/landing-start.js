/** Begins the landing page's look into the demo room before the rest of the page is there; see live-start.js. */
import { fetchWords } from "./locale.js";
import { isDemo, TokenSource } from "./token.js";
import { Visit } from "./visit.js";

export const tokens = new TokenSource("demo", "viewer", { oneVisit: true });
/** Null outside demo mode: there is no room to look into. */
export const firstVisit = isDemo() ? new Visit(tokens) : null;
fetchWords();
