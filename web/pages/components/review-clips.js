export class ReviewClips extends HTMLElement { open() {} }
customElements.define("lm-review-clips", ReviewClips);
