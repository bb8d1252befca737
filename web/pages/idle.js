/**
 * Controls over a picture fade after a while without movement and return on any pointer, key or touch.
 * The class `idle` on the root does the fading; `waking` keeps the tap that woke them from pressing what it revealed.
 */

const WAKE_GUARD_MS = 350;

export class IdleFade {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #root;
  #delayMs;
  #hold;

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
        const touch = event instanceof PointerEvent && event.pointerType !== "mouse";
        if (touch && root.classList.contains("idle")) {
          root.classList.add("waking");
          setTimeout(() => root.classList.remove("waking"), WAKE_GUARD_MS);
        }
        this.wake();
      },
      { capture: true, passive: true },
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
