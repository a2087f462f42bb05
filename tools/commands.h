/*
 * commands.h - the commands of lsq, each in cmd_<name>.c.
 */
#ifndef LSQ_TOOLS_COMMANDS_H
#define LSQ_TOOLS_COMMANDS_H

#include "tools/options.h"

extern const verb compress_command, info_command, verify_command, diff_command, export_command, plan_command,
    cpu_command;

#endif
