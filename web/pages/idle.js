/**
 * Controls over a picture fade after a while without movement and return on any pointer, key or touch.
 * The class `idle` on the root does the fading. The tap that wakes them must not press what it could not see.
 */

const WAKE_GUARD_MS = 700;

export class IdleFade {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #root;
  #delayMs;
  #hold;
  /** Clicks before this time belong to the tap that woke the controls. */
  #blindUntil = 0;

  /**
   * @param {HTMLElement} root gets the classes
   * @param {{ delayMs?: number, hold: () => boolean }} options hold: true while the controls must stay
   */
  constructor(root, { delayMs = 3000, hold }) {
    this.#root = root;
    this.#delayMs = delayMs;
    this.#hold = hold;
    for (const type of ["pointermove", "keydown", "focusin", "wheel"]) {
      root.ownerDocument.addEventListener(type, () => this.wake(), { passive: true });
    }
    root.ownerDocument.addEventListener(
      "pointerdown",
      (event) => {
        // A mouse has moved here and woken the controls before it presses.
        const blind = event instanceof PointerEvent && event.pointerType !== "mouse" && root.classList.contains("idle");
        this.#blindUntil = blind ? event.timeStamp + WAKE_GUARD_MS : 0;
        this.wake();
      },
      { capture: true, passive: true },
    );
    root.addEventListener(
      "click",
      (event) => {
        const faded = event.target instanceof Element && event.target.closest(".overlay");
        if (!faded || event.timeStamp > this.#blindUntil) return;
        event.preventDefault();
        event.stopPropagation();
      },
      { capture: true },
    );
    this.wake();
  }

  /** Show the controls now and start counting again. */
  wake() {
    this.#root.classList.remove("idle");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fade(), this.#delayMs);
  }

  #fade() {
    if (this.#mustStay()) this.#timer = setTimeout(() => this.#fade(), this.#delayMs);
    else this.#root.classList.add("idle");
  }

  #mustStay() {
    const focused = this.#root.querySelector(".overlay :focus-visible");
    const open = this.#root.ownerDocument.querySelector("dialog[open], lm-quality.open");
    const pointed = matchMedia("(hover: hover)").matches && this.#root.querySelector(".overlay .call-control:hover");
    return Boolean(focused || open || pointed) || this.#hold();
  }
}
