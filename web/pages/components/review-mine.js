export class ReviewMine extends HTMLElement { open() {} }
customElements.define("lm-review-mine", ReviewMine);
