/** How a part tells people what happened, without knowing where it is written to. */
export type ReportLevel = "debug" | "info" | "warn" | "error";

/** `message` is one plain sentence; `fields` are plain values for a structured log. */
export type Report = (
  level: ReportLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** For a part nobody listens to. */
export const silent: Report = () => {};
