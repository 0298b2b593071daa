/** The official JavaScript SDK, driven through bytes: what ours has to equal. */
import flink from "apache-flink-statefun";

export type OfficialStateFun = InstanceType<typeof flink.StateFun>;

export function official(): OfficialStateFun {
  return new flink.StateFun();
}

/** The body of its answer; it answers every error with an empty 500. */
export async function officialAnswer(
  statefun: OfficialStateFun,
  request: Uint8Array,
): Promise<Uint8Array> {
  let status = 0;
  let body: Uint8Array = new Uint8Array(0);
  const response = {
    writeHead: (code: number) => {
      status = code;
    },
    end: (bytes?: Uint8Array) => {
      body = bytes ?? body;
    },
  };
  await statefun.handle([Buffer.from(request)], response);
  if (status !== 200) throw new Error(`the official SDK answered ${status}`);
  return body;
}
