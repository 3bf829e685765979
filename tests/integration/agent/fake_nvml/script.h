/* What the fake driver answers, read from the file that LLMTRAIN_FAKE_NVML names (or SCRIPT, defined at compile time)
   whenever it changes.

   Each line is `WHO KEY VALUE`; a later line wins. WHO is a GPU's number, `0:1` for the second MIG instance of GPU
   0, `*` for every GPU (not its instances), or `-` for the machine. VALUE is a text, a number, or

       10..90   a number that rises and falls between the two once a minute, with another phase on each GPU
       +1000    a count that grows by this much per second
       !15      an error: what the library returns

   Keys of the machine: gpus, driver, init, now (seconds; default: the system clock).
   Further keys of a GPU: `all !15` (for every query), `absent 1` (unplugged), `xids 79,48` (events,
   delivered once each), `mig 1` and `mig_instances 3`. Anything without a line is not supported. */
#pragma once

struct answer {
    int error; /* nvmlReturn_t */
    double number;
    const char *text;
};

void script_refresh(void);
double script_now(void);
/* instance is -1 for a whole GPU; gpu is -1 for the machine. */
struct answer script_answer(int gpu, int instance, const char *key);
