export { editDistance, nearest } from "../engine/nearest.js";
