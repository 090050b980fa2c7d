-- What the server says it is doing, for a statusline.
local M = {}

local current = { phase = "idle" } ---@type table the last Status, see docs/lsp.md

local WORDS = { completion = "completing", chat = "chat", edit = "editing", agent = "agent" }

---@param status table
function M.set(status)
  current = status
  vim.cmd.redrawstatus({ bang = true })
end

--- The server has begun, or ended.
function M.reset() M.set({ phase = "idle" }) end

local function rate(status)
  return status.tokensPerSecond and (" %.0f t/s"):format(status.tokensPerSecond) or ""
end

local SHOWN = {
  idle = function() return "" end,
  loading = function(s) return s.percent and (" loading %d%%"):format(s.percent) or " loading" end,
  queued = function(s) return s.queuePosition and (" queued, %d before"):format(s.queuePosition) or " queued" end,
  prefill = function(s)
    local left = s.secondsLeft and (" %.0f s"):format(s.secondsLeft) or ""
    return (s.percent and (" reading %d%%"):format(s.percent) or " reading") .. rate(s) .. left
  end,
  decode = function(s) return " " .. (WORDS[s.what] or "writing") .. rate(s) end,
  lost = function() return " no engine" end,
  paused = function() return " paused" end,
}

---@return string
function M.line()
  if not require("ds4agent.client").get() then
    return ""
  end
  local show = SHOWN[current.phase]
  return "ds4" .. (show and show(current) or " " .. current.phase)
end

--- One or two sentences about a Status.
---@param status table
---@return string
function M.describe(status)
  local words = { status.phase }
  if status.what then
    table.insert(words, WORDS[status.what] or status.what)
  end
  if status.model then
    table.insert(words, "model " .. status.model)
  end
  if status.cachedTokens then
    local again = status.rereadTokens or 0
    table.insert(words, ("%d tokens were known, %d read again"):format(status.cachedTokens, again))
  end
  if status.message then
    table.insert(words, status.message)
  end
  return table.concat(words, "; ")
end

return M
