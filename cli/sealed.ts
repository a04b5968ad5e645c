/** Results as files that tell whether they are still what was written: JSON with a checksum of the rest. */
import { createHash } from "node:crypto";
import { DataError } from "../nn/data/error.js";
import { ConfigError, type Schema } from "../nn/schema.js";

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A value as the text of a file. It may hold no number that is not finite, since JSON has none: NaN would come back as null. */
export function sealed(value: object): string {
  const text = JSON.stringify(value);
  return `${JSON.stringify({ ...value, checksum: sumOf(text) })}\n`;
}

/** What the text of a file holds. Files of before there were checksums have none; what else they hold is looked at all the same.
 *  @throws DataError, one sentence, when it is no JSON, does not have its checksum, or does not fit the schema. */
export function unsealed<T>(text: string, schema: Schema<T>): T {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "checksum" in value) {
      const { checksum, ...rest } = value;
      if (checksum !== sumOf(JSON.stringify(rest)))
        throw new DataError("the file does not have its checksum: something in it was changed or damaged");
      return schema.read(rest, "");
    }
    return schema.read(value, "");
  } catch (error) {
    if (error instanceof SyntaxError) throw new DataError(`the file is no JSON, or not all of it (${error.message})`);
    if (error instanceof ConfigError) throw new DataError(error.message);
    throw error;
  }
}
