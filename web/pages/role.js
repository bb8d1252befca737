/** The word for what somebody is in the room. */
import { t } from "./locale.js";

/**
 * @param {string} role
 * @returns {string} empty for the audience
 */
export function roleWord(role) {
  switch (role) {
    case "host":
      return t("role.host");
    case "agent":
      return t("role.agent");
    case "supervisor":
      return t("role.supervisor");
    default:
      return "";
  }
}
