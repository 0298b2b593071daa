import { seatContract } from "../contracts/seat.ts";
import { openAcross, openHere } from "./seat-world.ts";

seatContract("on this thread", openHere);
seatContract("over a line", openAcross);
