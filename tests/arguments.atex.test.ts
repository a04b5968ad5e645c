/** Every export of atex with about forty kinds of wrong argument in each position. */
import * as atex from "../atex/index.js";
import { ATEX } from "./arguments/atex.js";
import { testEntry } from "./arguments/entry.js";

testEntry("atex", atex, ATEX);
