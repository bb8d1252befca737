/** Files for the chat of a call, before they are sent: what the server would refuse is refused here, or made to fit. */

export const MAX_BYTES = 10 * 1024 * 1024;
export const TYPES = Object.freeze(["image/jpeg", "image/png", "image/webp", "application/pdf"]);
/** What the file dialog offers; other pictures are made into JPEG where this browser can read them. */
export const ACCEPT = `${TYPES.join(",")},image/*`;
const MAX_SIDE = 4096;
const QUALITY = 0.88;

/**
 * What can be sent of a file: itself, or a picture of the same that is small enough and of a kind that is taken.
 * @param {File} file
 * @param {{ maxBytes?: number, types?: readonly string[] }} [limits]
 * @returns {Promise<{ blob: Blob, name: string }>} rejects with `code` file_type, file_too_large or file_broken
 */
export async function prepared(file, { maxBytes = MAX_BYTES, types = TYPES } = {}) {
  const isPicture = file.type.startsWith("image/") && file.type !== "image/svg+xml";
  if (!types.includes(file.type) && !isPicture) throw refusal("file_type");
  if (file.size === 0) throw refusal("file_broken");
  if (types.includes(file.type) && file.size <= maxBytes) return { blob: file, name: file.name };
  if (!isPicture) throw refusal("file_too_large");
  const blob = await asJpeg(file);
  if (!blob) throw refusal(types.includes(file.type) ? "file_broken" : "file_type");
  if (blob.size > maxBytes) throw refusal("file_too_large");
  return { blob, name: `${file.name.replace(/\.[^.]*$/, "")}.jpg` };
}

/** @param {Blob} file @returns {Promise<Blob | null>} null: this browser cannot read it */
async function asJpeg(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    const pen = canvas.getContext("2d", { alpha: false });
    pen?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  } catch {
    return null;
  }
}

/** Pictures and documents in what was pasted or dropped. @param {DataTransfer | null} data @returns {File[]} */
export function filesIn(data) {
  return [...(data?.files ?? [])];
}

/** 830 KB, 2.4 MB. @param {number} bytes @param {string} locale */
export function formatBytes(bytes, locale) {
  const [value, unit] = bytes < 1_000_000 ? [Math.max(1, Math.round(bytes / 1000)), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
}

/** @param {string} code */
function refusal(code) {
  return Object.assign(new Error(code), { code });
}
