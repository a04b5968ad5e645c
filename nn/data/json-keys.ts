import { DataError } from "./error.js";

/**
 * Refuses valid JSON in which one object has the same key twice; JSON.parse keeps the last one and says nothing.
 * @throws DataError that names the key.
 */
export function assertNoRepeatedKeys(json: string, what: string): void {
  // One entry per open bracket: the keys seen in an object, nothing in an array.
  const open: (Set<string> | undefined)[] = [];
  // In valid JSON a string before a colon is a key; every other structural character outside strings is one token.
  for (const [token, string, colon] of json.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")\s*(:?)|[{}[\]]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (colon) {
      const key = string.includes("\\") ? (JSON.parse(string) as string) : string.slice(1, -1);
      const keys = open.at(-1)!;
      if (keys.has(key)) {
        throw new DataError(
          `${what}: the header names ${JSON.stringify(key.slice(0, 60))} twice; every name may appear once; write the file again`,
        );
      }
      keys.add(key);
    }
  }
}
