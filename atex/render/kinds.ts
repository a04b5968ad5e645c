/** What arguments may be (see engine/kinds.ts). */
import { aNumber, anObject, aText, byteArray } from "../../engine/kinds.js";

export const aMapScale = anObject("a map scale", { range: aNumber, measure: aText });
export const anImageSize = anObject("an image size", { channels: aNumber, height: aNumber, width: aNumber });
export const aPicture = anObject("a picture", { width: aNumber, height: aNumber, rgba: byteArray });
