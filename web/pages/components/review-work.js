export class ReviewWork extends HTMLElement { open() {} }
customElements.define("lm-review-work", ReviewWork);
