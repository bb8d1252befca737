/** Things that can be put elsewhere: with a finger, a mouse, or the arrow keys. They come to rest in a corner. */

/** A press that moves less is a tap. */
const SLOP_PX = 6;

/** @typedef {"top left" | "top right" | "bottom left" | "bottom right"} Corner */

/**
 * The nearest corner.
 * @param {{ x: number, y: number, width: number, height: number }} box
 * @param {{ x: number, y: number, width: number, height: number }} frame
 * @returns {Corner}
 */
export function cornerOf(box, frame) {
  const low = box.y + box.height / 2 > frame.y + frame.height / 2;
  const right = box.x + box.width / 2 > frame.x + frame.width / 2;
  return /** @type {Corner} */ (`${low ? "bottom" : "top"} ${right ? "right" : "left"}`);
}

/**
 * Where an arrow key takes it.
 * @param {Corner} corner
 * @param {string} key
 * @returns {Corner}
 */
export function cornerAfter(corner, key) {
  const [vertical, horizontal] = corner.split(" ");
  const up = key === "ArrowUp" ? "top" : key === "ArrowDown" ? "bottom" : vertical;
  const side = key === "ArrowLeft" ? "left" : key === "ArrowRight" ? "right" : horizontal;
  return /** @type {Corner} */ (`${up} ${side}`);
}

/**
 * Let an element be moved. Its corner is written to `data-corner`; the style does the rest.
 * @param {HTMLElement} element
 * @param {object} options
 * @param {HTMLElement | null} options.within null: the window
 * @param {HTMLElement} [options.handle] what is pressed to move it; default the element
 * @param {() => string} [options.name] for screen readers; the element can then be moved by keys
 * @param {Corner} [options.corner] at first
 * @param {(corner: Corner) => void} [options.moved]
 */
export function movable(element, { within, handle = element, name, corner = "top right", moved = () => {} }) {
  element.dataset.corner ||= corner;
  /** @type {{ x: number, y: number, id: number, moved: boolean } | null} */
  let press = null;
  const rest = (/** @type {Corner} */ next) => {
    element.style.translate = "";
    element.dataset.corner = next;
    moved(next);
  };
  handle.addEventListener("pointerdown", (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("button") : null;
    // A control on the handle is pressed, not dragged.
    if (event.button !== 0 || (handle !== element && pressed !== null && pressed !== handle)) return;
    press = { x: event.clientX, y: event.clientY, id: event.pointerId, moved: false };
    // A quick hand is out of it before the first move is told.
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!press || event.pointerId !== press.id) return;
    const x = event.clientX - press.x;
    const y = event.clientY - press.y;
    if (!press.moved && Math.hypot(x, y) < SLOP_PX) return;
    if (!press.moved) {
      press.moved = true;
      element.classList.add("moving");
    }
    element.style.translate = `${x}px ${y}px`;
  });
  const drop = (/** @type {PointerEvent} */ event) => {
    if (!press || event.pointerId !== press.id) return;
    const { moved: was } = press;
    press = null;
    element.classList.remove("moving");
    if (!was) return;
    const view = element.ownerDocument.defaultView ?? window;
    const frame = within?.getBoundingClientRect() ?? new DOMRect(0, 0, view.innerWidth, view.innerHeight);
    rest(cornerOf(element.getBoundingClientRect(), frame));
    // The press that moved it is not a tap on what lies under it.
    const swallow = (/** @type {Event} */ click) => {
      click.stopPropagation();
      click.preventDefault();
    };
    element.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => element.removeEventListener("click", swallow, { capture: true }), 0);
  };
  handle.addEventListener("pointerup", drop);
  handle.addEventListener("pointercancel", drop);
  if (!name) return;
  element.tabIndex = 0;
  element.setAttribute("role", "group");
  element.addEventListener("focus", () => element.setAttribute("aria-label", name()));
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    rest(cornerAfter(/** @type {Corner} */ (element.dataset.corner ?? corner), event.key));
  });
}

