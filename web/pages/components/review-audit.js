export class ReviewAudit extends HTMLElement { open() {} }
customElements.define("lm-review-audit", ReviewAudit);
