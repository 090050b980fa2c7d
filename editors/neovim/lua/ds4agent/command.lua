-- :Ds4 and its subcommands.
local client = require("ds4agent.client")

local M = {}

---@class ds4agent.Call
---@field text string what stands behind the subcommand
---@field range? { [1]: integer, [2]: integer } lines, when some were given

local function pause(paused)
  client.request(
    "ds4/pause",
    { paused = paused },
    function() client.say(paused and "paused" or "goes on") end
  )
end

local COMMANDS = {
  chat = function(call) require("ds4agent.chat").open(call.text, call.range) end,
  chats = function() require("ds4agent.chats").pick() end,
  new = function() require("ds4agent.chat").new() end,
  explain = function(call) require("ds4agent.chat").explain(call.range) end,
  fix = function(call) require("ds4agent.edits").fix(call.range) end,
  edit = function(call) require("ds4agent.edits").edit(call.range, call.text) end,
  test = function(call) require("ds4agent.edits").action("source.ds4agent.test", call.range) end,
  agent = function(call) require("ds4agent.agent").open(call.text) end,
  putback = function(call) require("ds4agent.putback").run(call.text ~= "" and call.text or nil) end,
  pause = function() pause(true) end,
  resume = function() pause(false) end,
  stop = function()
    if not require("ds4agent.agent").stop() and not require("ds4agent.work").stop() then
      client.say("nothing is under way")
    end
  end,
  status = function()
    client.request(
      "ds4/status/get",
      vim.empty_dict(),
      function(status) client.say(require("ds4agent.status").describe(status)) end
    )
  end,
  log = function()
    client.request(
      "ds4/log",
      vim.empty_dict(),
      function(found) vim.cmd.split(vim.fn.fnameescape(found.path)) end
    )
  end,
}

local function names() return vim.fn.sort(vim.tbl_keys(COMMANDS)) end

---@param call vim.api.keyset.create_user_command.command_args
function M.run(call)
  local name, text = call.args:match("^(%S*)%s*(.-)%s*$")
  local run = COMMANDS[name]
  if not run then
    return client.say("subcommands are " .. table.concat(names(), ", "), vim.log.levels.ERROR)
  end
  run({ text = text, range = call.range > 0 and { call.line1, call.line2 } or nil })
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = names()
  if line:match("Ds4%s+chat%s") then
    words = vim.tbl_map(function(kind) return "@" .. kind end, require("ds4agent.contexts").KINDS)
  elseif line:match("Ds4%s+%S+%s") then
    return {}
  end
  return vim.tbl_filter(function(word) return vim.startswith(word, lead) end, words)
end

return M
