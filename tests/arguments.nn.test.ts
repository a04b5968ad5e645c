/** Every export of nn with about forty kinds of wrong argument in each position. */
import * as nn from "../nn/index.js";
import { testEntry } from "./arguments/entry.js";
import { NN } from "./arguments/nn.js";

testEntry("nn", nn, NN);
