export class ReviewCalibration extends HTMLElement { open() {} }
customElements.define("lm-review-calibration", ReviewCalibration);
