/**
 * Request ids: 1, 2, 3 ... within one socket's life and beyond it, so that a late reply never meets a new request.
 * @returns {() => number}
 */
export function counter() {
  let last = 0;
  return () => {
    last = last >= Number.MAX_SAFE_INTEGER ? 1 : last + 1;
    return last;
  };
}
