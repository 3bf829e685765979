/* What the fake driver does, read from the file that LLMTRAIN_FAKE_NVML names (or SCRIPT, when it was compiled),
   whenever that changes.

   Each line is `WHO KEY VALUE`; a later line wins. WHO is a GPU's number, `0:1` for a part of GPU 0 under MIG,
   `*` for every GPU (not its parts), or `-` for the machine. VALUE is a text, a number, or

       10..90   a number that goes up and down between the two, once a minute, later on each next GPU
       +1000    a count that grows by so much a second
       !15      an error: what the library returns

   Keys of the machine: gpus, driver, init, now (seconds; without it the clock goes on by itself).
   Keys of a GPU that are no value: `all !15` (whatever is asked), `absent 1` (unplugged), `xids 79,48` (events,
   delivered once each), `mig 1` and `mig_parts 3`. What has no line is not supported. */
#pragma once

struct answer {
    int error; /* nvmlReturn_t */
    double number;
    const char *text;
};

void script_refresh(void);
double script_now(void);
/* part is -1 for a whole GPU; gpu is -1 for the machine. */
struct answer script_answer(int gpu, int part, const char *key);
