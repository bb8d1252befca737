/** The help page: for whoever comes by an agent's link, or has no page of a shop around the widget. */
import { LmHelp } from "../widget/element.js";
import { byId, setText } from "./dom.js";
import { onLocale, startLocale, t } from "./locale.js";
import { TokenNeeded, TokenSource, isDemo } from "./token.js";

const root = byId("root", HTMLElement);
const title = byId("title", HTMLElement);
const body = byId("body", HTMLElement);
const start = byId("start", HTMLButtonElement);
const trouble = byId("trouble", HTMLElement);
const help = byId("help", LmHelp);
/** In the fragment, which no server and no log ever sees: `#link=ID&room=help`. */
const fragment = new URLSearchParams(location.hash.slice(1));
const link = fragment.get("link") ?? "";
const tokens = new TokenSource(fragment.get("room") ?? "help", "shopper");

let tokenNeeded = false;

function render() {
  setText(title, link ? t("widget.page.link_title") : t("widget.page.title"));
  setText(body, link ? t("widget.page.link_body") : t("widget.page.body"));
  document.title = `${title.textContent} · ${t("brand")}`;
  trouble.hidden = !tokenNeeded;
  setText(trouble, t("widget.page.token"));
  root.inert = help.dataset["state"] === "card";
}

help.token = async () => {
  try {
    return await tokens.get();
  } catch (error) {
    tokenNeeded = error instanceof TokenNeeded && !isDemo();
    render();
    throw error;
  }
};
start.addEventListener("click", () => help.open(link ? "video" : undefined));
for (const type of ["lm-help-open", "lm-help-close"]) help.addEventListener(type, render);
// The widget's own button is not shown here: this one is where the way back is.
help.addEventListener("lm-help-close", () => help.dataset["state"] === "button" && start.focus());
await startLocale();
onLocale(render);
