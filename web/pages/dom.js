/** Small helpers for building and finding elements, typed so that a wrong id fails at start and not at a click. */

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = new URL("../icons/sprite.svg", import.meta.url);
/** In a page of another origin, which browsers let use no symbols of ours: they are fetched, and copied. */
const FOREIGN = typeof location !== "undefined" && SPRITE.origin !== location.origin;
/** @type {Promise<Document> | null} */
let symbols = null;

/**
 * The element with this id, which the page's HTML must contain.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`#${id} is missing or not a ${type.name}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * An icon from the sprite; decorative, so hidden from screen readers: the control that holds it has the label.
 * @param {string} name a symbol id in /web/icons/sprite.svg
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  if (!FOREIGN) svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

/**
 * @param {SVGSVGElement} svg made by icon()
 * @param {string} name
 */
export function setIcon(svg, name) {
  if (FOREIGN) {
    if (svg.dataset["icon"] !== name) void copySymbol(svg, name);
    return;
  }
  const href = `/web/icons/sprite.svg#${name}`;
  const use = svg.firstElementChild;
  if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/**
 * @param {SVGSVGElement} svg
 * @param {string} name
 */
async function copySymbol(svg, name) {
  svg.dataset["icon"] = name;
  symbols ??= readSymbols();
  const symbol = await symbols.then(
    (sprite) => sprite.getElementById(name),
    () => null,
  );
  if (!symbol || svg.dataset["icon"] !== name) return;
  svg.setAttribute("viewBox", symbol.getAttribute("viewBox") ?? "0 0 24 24");
  svg.replaceChildren(...[...symbol.childNodes].map((node) => svg.ownerDocument.importNode(node, true)));
}

/** @returns {Promise<Document>} as a document by itself: nothing here turns text into elements */
function readSymbols() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", SPRITE);
    request.responseType = "document";
    request.onload = () => (request.responseXML ? resolve(request.responseXML) : reject(new Error("no symbols")));
    request.onerror = reject;
    request.send();
  });
}

/**
 * Set text only when it changed, so that live regions and selections are left alone.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A button with words.
 * @param {string} label
 * @param {string} className beside "button"
 * @param {() => void} onClick
 * @returns {HTMLButtonElement}
 */
export function button(label, className, onClick) {
  const element = make("button", `button ${className}`, label);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** Three dots, shown beside words while something is under way. */
export function dots() {
  const element = make("span", "dots", make("i"), make("i"), make("i"));
  element.setAttribute("aria-hidden", "true");
  return element;
}
