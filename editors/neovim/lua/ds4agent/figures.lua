-- What a turn of the agent does and has cost until now, above the window it is written down in.
local M = {}

local DOING = { loading = "waiting for the engine", queued = "waiting for its turn", decode = "writing" }

local function doing(progress)
  if progress.phase == "prefill" then
    return progress.percent and ("reading %.0f %%"):format(progress.percent) or "reading"
  end
  return DOING[progress.phase] or "at work"
end

--- One line about a progress notification (`ds4/agent/progress`).
---@return string
function M.line(progress)
  local parts = { doing(progress), ("%.0f s"):format(math.floor(progress.seconds)) }
  if progress.promptTokens > 0 then
    local words = "%d tokens read (%d cached), %d written"
    table.insert(parts, words:format(progress.promptTokens, progress.cachedTokens, progress.completionTokens))
  elseif progress.completionTokens > 0 then
    table.insert(parts, ("%d tokens written"):format(progress.completionTokens))
  end
  if progress.rereadTokens > 0 then
    table.insert(parts, ("%d read again"):format(progress.rereadTokens))
  end
  return table.concat(parts, " · ")
end

--- Show a line above every window of a buffer, cut off where there is no room; an empty one takes it away.
---@param buf integer
---@param line string
function M.show(buf, line)
  local shown = line ~= "" and line:gsub("%%", "%%%%") .. "%<" or ""
  for _, window in ipairs(vim.fn.win_findbuf(buf)) do
    vim.wo[window][0].winbar = shown
  end
end

return M
