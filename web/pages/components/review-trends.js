export class ReviewTrends extends HTMLElement { open() {} }
customElements.define("lm-review-trends", ReviewTrends);
