import { StatefoldError } from "../base/errors.ts";

/**
 * The brokers of an address: `host:port`, several with commas between them; IPv6 in brackets.
 * @throws StatefoldError CONFIG_INVALID
 */
export function bootstrapOf(address: string): { readonly host: string; readonly port: number }[] {
  const brokers = address.split(",").map((one) => {
    const [, bracketed, plain, digits] = BROKER.exec(one.trim()) ?? [];
    const port = Number(digits);
    const host = bracketed ?? plain;
    if (host === undefined || port < 1 || port > 65_535) {
      const message = `${JSON.stringify(address)} is no address of brokers: host:port, several with commas between them`;
      throw new StatefoldError("CONFIG_INVALID", message);
    }
    return { host, port };
  });
  return brokers;
}

/** A scheme, as listeners have, is left out. */
const BROKER = /^(?:[A-Za-z_]+:\/\/)?(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/;
