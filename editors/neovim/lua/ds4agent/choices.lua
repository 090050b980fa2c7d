-- The items of an answer: the first one is shown, the others are for who asks for the next.
local place = require("ds4agent.place")

local M = {}

--- Tell the server what became of one.
---@param what "shown"|"accepted"|"dismissed"
---@param ghost ds4agent.Ghost
---@param more? table
function M.tell(what, ghost, more)
  local id = ghost.command and ghost.command.arguments and ghost.command.arguments[1]
  if id ~= nil then
    local params = vim.tbl_extend("force", { id = id }, more or {})
    ghost.client:notify("ds4/completion/" .. what, params)
  end
end

--- Those that were looked at are dismissed, but for one that was taken.
---@param choices ds4agent.Ghost[]
---@param taken? ds4agent.Ghost
function M.dismiss(choices, taken)
  for _, choice in ipairs(choices) do
    if choice.told and choice ~= taken then
      M.tell("dismissed", choice)
    end
  end
end

--- Those that fit what is there by now. One that says what is shown already is not new.
---@param found ds4agent.Ghost[]
---@param shown? ds4agent.Ghost
---@return ds4agent.Ghost[] fitting
---@return ds4agent.Ghost? first the one to be shown
function M.fitting(found, shown)
  local rest = shown and place.rest(shown)
  local fit = vim.tbl_filter(place.rest, found)
  for n, ghost in ipairs(fit) do
    if rest and place.rest(ghost) == rest then
      fit[n] = shown
      return fit, shown
    end
  end
  return fit, fit[1]
end

--- The one so many places further on; nil if there is no other.
---@param choices ds4agent.Ghost[]
---@param shown? ds4agent.Ghost
---@param by integer
---@return ds4agent.Ghost?
function M.turned(choices, shown, by)
  local fit = vim.tbl_filter(place.rest, choices)
  for n, choice in ipairs(fit) do
    if choice == shown and #fit > 1 then
      return fit[(n - 1 + by) % #fit + 1]
    end
  end
end

return M
