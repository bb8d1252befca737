/**
 * An EventTarget whose events carry a typed `detail`. `on` hands the detail over and returns its own undo.
 * @template {Record<string, any>} M event name to detail
 */
export class Emitter extends EventTarget {
  /**
   * @template {keyof M & string} K
   * @param {K} type
   * @param {(detail: M[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(type, listener) {
    const handle = (/** @type {Event} */ event) => listener(/** @type {CustomEvent<M[K]>} */ (event).detail);
    this.addEventListener(type, handle);
    return () => this.removeEventListener(type, handle);
  }

  /**
   * @template {keyof M & string} K
   * @param {K} type
   * @param {M[K]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
