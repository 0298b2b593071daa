import { Pool } from "undici";

/** A client of one node, for what a benchmark asks beside its load. */
export class NodeClient {
  readonly #pool: Pool;

  constructor(port: number, connections = 16) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections });
  }

  /** A call with a string, answered by a string. */
  async call(address: string, text: string): Promise<string> {
    return await this.#request(`/v1/call/${address}`, text, 200);
  }

  /** Accepted, durably. */
  async send(address: string, text: string): Promise<void> {
    await this.#request(`/v1/send/${address}`, text, 202);
  }

  /** The sum over all partitions of a metric. */
  async metric(name: string): Promise<number> {
    const { body } = await this.#pool.request({ method: "GET", path: "/metrics" });
    const lines = (await body.text()).split("\n");
    const values = lines.filter(
      (line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `),
    );
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #request(path: string, text: string, expected: number): Promise<string> {
    const headers = { "content-type": "text/plain", accept: "text/plain" };
    const answer = await this.#pool.request({ method: "POST", path, headers, body: text });
    const answered = await answer.body.text();
    if (answer.statusCode !== expected)
      throw new Error(`${path}: ${answer.statusCode} ${answered}`);
    return answered;
  }
}
