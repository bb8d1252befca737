/** Small helpers for building and finding elements, typed so that a wrong id fails at start and not at a click. */

const SVG = "http://www.w3.org/2000/svg";

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
  svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

/**
 * @param {SVGSVGElement} svg made by icon()
 * @param {string} name
 */
export function setIcon(svg, name) {
  const href = `/web/icons/sprite.svg#${name}`;
  const use = svg.firstElementChild;
  if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
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
