import type { RequestKind } from "./request.ts";

export interface VersionRange {
  readonly key: number;
  readonly min: number;
  readonly max: number;
}

export const API_VERSIONS: RequestKind<
  undefined,
  { readonly error: number; readonly ranges: readonly VersionRange[] }
> = {
  name: "ApiVersions",
  key: 18,
  version: 0,
  write() {},
  read(reader) {
    const error = reader.int16();
    const ranges = reader.array(() => ({
      key: reader.int16(),
      min: reader.int16(),
      max: reader.int16(),
    }));
    return { error, ranges };
  },
};
