-- How a session's events, those of `ds4agent run --json`, are written down.
local client = require("ds4agent.client")
local figures = require("ds4agent.figures")
local Log = require("ds4agent.log")

local function quoted(text) return Log.BAR .. vim.trim(text):gsub("\n", "\n" .. Log.BAR) end

local function fenced(language, text) return ("```%s\n%s\n```"):format(language, (text:gsub("\n$", ""))) end

-- How an item looks when it is over, and what goes in front of one that is written while it comes.
local WHOLE = {
  agent_message = function(item) return item.text or "" end,
  reasoning = function(item) return quoted(item.text or "") end,
  command_execution = function(item)
    local said = item.aggregated_output or ""
    local code = item.exit_code
    local ended = (code == nil or code == vim.NIL) and "no exit code" or ("exit code %d"):format(code)
    return fenced("sh", item.command or "")
      .. "\n"
      .. ended
      .. (vim.trim(said) ~= "" and "\n" .. quoted(said) or "")
  end,
  file_change = function(item) return ("%s\n%s"):format(item.path or "", fenced("diff", item.diff or "")) end,
}
local FRONT = { agent_message = "", reasoning = Log.BAR }

local function updated(session, item)
  if not FRONT[item.type] or not item.delta then
    return
  end
  if session.item ~= item.id then
    session.item = item.id
    session.log:paragraph(FRONT[item.type])
  end
  session.log:add(item.type == "reasoning" and (item.delta:gsub("\n", "\n" .. Log.BAR)) or item.delta)
end

local function completed(session, item)
  local whole = WHOLE[item.type]
  if whole and session.item ~= item.id then
    session.log:paragraph(whole(item))
  end
  session.item = nil
end

local function usage(session, spent)
  local seconds = session.began and (vim.uv.now() - session.began) / 1000 or 0
  local read, cached, written =
    spent.input_tokens or 0, spent.cached_input_tokens or 0, spent.output_tokens or 0
  local words = "*%d tokens read, %d of them cached; %d written; %.0f s*"
  session.log:paragraph(words:format(read, cached, written, seconds))
end

-- All that the session changed until now, as one diff.
local function changes(session)
  vim.cmd.checktime()
  client.request("ds4/agent/changes", { session = session.id }, function(result)
    if result.diff ~= "" then
      session.log:paragraph("# Changes\n\n" .. fenced("diff", result.diff))
    end
  end)
end

return {
  ["turn.started"] = function(session) session.began = vim.uv.now() end,
  ["item.updated"] = function(session, event) updated(session, event.item) end,
  ["item.completed"] = function(session, event) completed(session, event.item) end,
  ["cache"] = function(session, event)
    if event.reread_tokens > 0 then
      local cause = event.cause ~= vim.NIL and event.cause or "unknown"
      session.log:paragraph(("*%d tokens were read again: %s*"):format(event.reread_tokens, cause))
    end
  end,
  ["turn.completed"] = function(session, event) usage(session, event.usage) end,
  ["turn.failed"] = function(session, event) session.log:paragraph("*" .. event.error.message .. "*") end,
  ["warning"] = function(session, event) session.log:paragraph("*" .. event.message .. "*") end,
  ["error"] = function(session, event) session.log:paragraph("*" .. event.message .. "*") end,
  ["session.completed"] = function(session, event)
    session.running = false
    figures.show(session.log.buf, "")
    session.log:paragraph(("*%s*"):format(event.status))
    changes(session)
  end,
}
