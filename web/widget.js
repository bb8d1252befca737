/**
 * The one tag for a shop's page. A classic script, so that it can be pasted anywhere; it makes `<lm-help>` of its own
 * `data-` attributes and loads the modules behind it when the page is at rest, or at once when somebody reaches for it.
 *
 *   <script src="https://live.example.com/web/widget.js" data-token-url="/shop/token" data-room="help"
 *     data-entry="product" data-product-id="42" async></script>
 */
(() => {
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  if (!script || /** @type {any} */ (window).__lianmaiHelp) return;
  /** @type {any} */ (window).__lianmaiHelp = true;
  const home = new URL(".", script.src);
  const load = () => import(new URL("widget/element.js", home).href);
  const place = () => {
    let element = document.querySelector("lm-help");
    if (!element) {
      element = document.createElement("lm-help");
      for (const [name, value] of Object.entries(script.dataset)) /** @type {HTMLElement} */ (element).dataset[name] = value;
      document.body.append(element);
    }
    // The page's own content comes first.
    if ("requestIdleCallback" in window) requestIdleCallback(() => void load(), { timeout: 1500 });
    else setTimeout(() => void load(), 200);
  };
  if (document.body) place();
  else document.addEventListener("DOMContentLoaded", place, { once: true });
})();
