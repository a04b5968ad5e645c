/** What arguments may be (see engine/kinds.ts). */
import { aNumber, aNumberOfAtLeast0, anObject, aText, byteArray } from "../../engine/kinds.js";

export const aMapScale = anObject("a map scale", { range: aNumberOfAtLeast0, measure: aText });
export const anImageSize = anObject("an image size", { channels: aNumber, height: aNumber, width: aNumber });
export const aPicture = anObject("a picture", { width: aNumber, height: aNumber, rgba: byteArray });
