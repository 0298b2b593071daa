import { crc32 } from "node:zlib";

/**
 * A line of text with its checksum, in files that may be torn:
 *
 *   text = line LF crc LF
 *   crc  = CRC-32 (IEEE) of the line's bytes as UTF-8, 8 hexadecimal digits
 */
export function summedLine(line: string): string {
  return `${line}\n${sumOf(line)}\n`;
}

/** The line that a text begins with, whatever follows behind its checksum; undefined: it is not whole. */
export function readSummedLine(text: string): string | undefined {
  const [line = "", crc] = text.split("\n", 2);
  return crc === sumOf(line) ? line : undefined;
}

function sumOf(line: string): string {
  return crc32(line).toString(16).padStart(8, "0");
}
