/**
 * How the descriptors that the system allows this process are shared out. Node takes the hard limit at its
 * start, so that is what there is.
 *
 * Connections from outside get half at most, the topic log a quarter; the rest is for the stores and the
 * connections to functions. Were they not bounded, whoever opens idle connections would take the
 * descriptors that a commit needs (I6).
 */
export interface DescriptorShares {
  /** Of the gateway. */
  readonly maxConnections: number;
  /** Of the topic log. */
  readonly maxOpenFiles: number;
}

/** @param limit descriptors there are; undefined: no limit is known, as on Windows */
export function shareDescriptors(
  wanted: DescriptorShares,
  limit: number | undefined = descriptorLimit(),
): DescriptorShares {
  if (limit === undefined) return wanted;
  return {
    maxConnections: Math.min(wanted.maxConnections, Math.max(1, Math.floor(limit / 2))),
    maxOpenFiles: Math.min(wanted.maxOpenFiles, Math.max(1, Math.floor(limit / 4))),
  };
}

function descriptorLimit(): number | undefined {
  const { report } = process;
  Reflect.set(report, "excludeNetwork", true); // it would look up names; not in the types yet
  const { userLimits } = report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | "unlimited" } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : undefined;
}
